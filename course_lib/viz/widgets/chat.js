// A conversation: bubbles above, a line to type in below. All text goes in as textContent, so nothing a model writes becomes markup.
function draw({ model, el, follow, send: tell }) {
  el.classList.add("course-chat");
  const words = model.get("words");
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const log = make("div", { className: "course-chat-log" });
  log.setAttribute("role", "log");
  const input = make("input", { type: "text", placeholder: words.hint });
  input.setAttribute("aria-label", words.hint);
  const send = make("button", { type: "submit", textContent: words.send });
  const forget = make("button", { type: "button", textContent: words.forget });
  const form = make("form", {}, input, send, forget);

  const bubble = (role, content) =>
    make("div", { className: `course-chat-${role}` }, make("small", { textContent: words[role] }), make("div", { textContent: content }));
  let growing;
  const show = () => {
    const messages = model.get("messages").map(({ role, content }) => bubble(role, content));
    growing = model.get("busy") ? bubble("assistant", model.get("growing") || "…") : undefined;
    log.replaceChildren(...messages, ...(growing ? [growing] : []));
    log.scrollTop = log.scrollHeight;
    send.disabled = forget.disabled = model.get("busy");
  };
  const grow = () => {
    if (growing) growing.lastChild.textContent = model.get("growing") || "…";
    log.scrollTop = log.scrollHeight;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || model.get("busy")) return;
    input.value = "";
    tell({ say: text });
  });
  forget.addEventListener("click", () => tell({ forget: true }));
  // Enter must not send while a Chinese input method is still at work.
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.isComposing) event.preventDefault(); });
  follow(["messages", "busy"], show);
  follow(["growing"], grow);
  show();
  el.append(log, form);
}

export default widget(draw);
