// Widgets without a kernel. A still picture marked data-live gives way to its widget when it comes into view. What the kernel would do is
// done here: looked up in what was computed beforehand (explore, chat, the viewer's sentences), or by the same formula (plane, painter, triangle).
globalThis.WIDGETS = {};                        // kind -> module; filled by live/widgets.js
globalThis.BAKED = {};                          // id -> base64 of compressed JSON; filled by live/<id>.js
(() => {
  const FOLDER = document.currentScript.src.replace(/live\.js.*$/, "live/");
  const WORDS = {
    zh: {
      pictures: "{0} 张图是事先算好的。", slider: "滑块停在离得最近、算过的值上；要别的值，请运行笔记本。",
      text: "这些句子是事先算好的；想试自己的句子，请运行笔记本。", missing: "这一张没有事先算好，请运行笔记本。",
      formula: "这里的数由这一页现算。", recording: "这是一段录下的对话，点“重新开始”再放一遍；想自己问，请运行笔记本。", sentence: "换一句",
    },
    en: {
      pictures: "{0} pictures were computed beforehand.", slider: " A slider stops at the nearest value that was computed; run the notebook for others.",
      text: "These sentences were computed beforehand; run the notebook for your own.", missing: "This one was not computed beforehand: run the notebook.",
      formula: "These numbers are computed on this page.", recording: "A recorded conversation: “Start over” plays it again. To ask for yourself, run the notebook.",
      sentence: "Another sentence",
    },
  };
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const softmax = (scores) => {
    const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
    return powers.map((power) => power / sum(powers));
  };

  // What a kernel answers when the page sets a trait, or sends a `message`. `put` changes traits and tells the widget.
  const KERNELS = {
    Explore(state, put, words) {
      const span = Object.fromEntries(state.fields.map(({ name, low, high }) => [name, high - low]));       // NaN for a choice
      const gap = (row, asked, name) => {
        if (row[name] === asked[name]) return 0;
        return span[name] ? Math.abs(row[name] - asked[name]) / span[name] : name in span ? Infinity : 1000;  // last: where a click was
      };
      const far = (row, asked) => sum(Object.keys({ ...row, ...asked }).map((name) => gap(row, asked, name)));
      return {
        values(asked) {
          const clicked = Object.keys(asked).find((name) => !(name in span) && asked[name] !== state.values[name]);
          const [values, picture] = state.rows.reduce((best, row) => (far(row[0], asked) < far(best[0], asked) ? row : best));
          if (clicked && values[clicked] !== asked[clicked]) return put({ picture: `<p>${words.missing}</p>${state.picture}`, drawn: state.drawn + 1 });
          put({ values, picture: state.pictures[picture], drawn: state.drawn + 1 });
        },
      };
    },
    QueryPlane: (state, put) => ({
      query(query) {
        const weights = softmax(state.arrows.map(([, x, y]) => (query[0] * x + query[1] * y) / Math.SQRT2));
        const mixed = [1, 3, 5].map((at) => Math.round(sum(weights.map((w, i) => w * parseInt(state.arrows[i][3].slice(at, at + 2), 16)))));
        put({ query, weights, mixed: "#" + mixed.map((part) => part.toString(16).padStart(2, "0")).join("") });
      },
    }),
    MaskPainter: (state, put) => ({
      mask(mask) {
        const weights = state.open.map((row, t) => {
          const left = row.map((weight, s) => (mask[t][s] ? weight : 0)), total = sum(left);
          return left.map((weight) => (total ? weight / total : 0));
        });
        put({ mask, weights });
      },
    }),
    Simplex(state, put) {
      const start = state.state.p, note = document.createElement("template");
      note.innerHTML = state.note;
      let { p, target } = state.state, smoothing = 0, trail = [];
      const goal = () => p.map((_, k) => (1 - smoothing) * (k === target) + smoothing / 3);
      const show = () => {
        const y = goal(), slope = p.map((x, k) => x - y[k]), signed = slope.map((g) => (g < 0 ? "" : "+") + g.toFixed(3));
        [...note.content.querySelectorAll("tr")].slice(-3).forEach((row, k) => {
          [p[k].toFixed(3), y[k].toFixed(3), signed[k]].forEach((text, i) => { row.cells[i + 1].textContent = text; });
        });
        const loss = -sum(y.map((share, k) => share * Math.log(p[k])));
        note.content.querySelector("b").textContent = state.line.replace("{0}", loss.toFixed(3)).replace("{1}", trail.length);
        put({ state: { ...state.state, p, target, goal: y, arrow: slope.map((g) => -g), trail }, note: note.innerHTML });
      };
      return {
        message(asked) {
          trail = "step" in asked ? [...trail, p] : [];
          if ("step" in asked) { const y = goal(); p = softmax(p.map((x, k) => Math.log(x) - state.rate * (x - y[k]))); }
          if (asked.p) p = asked.p.map((x) => Math.max(x, 0.002)).map((x, _, all) => x / sum(all));
          if ("reset" in asked) p = start;
          ({ target, smoothing } = { target, smoothing, ...asked });
          show();
        },
      };
    },
    Chat(state, put, words) {
      const recording = state.messages, pause = (time) => new Promise((done) => setTimeout(done, time));
      return {
        async message({ forget }) {
          if (!forget) return put({ messages: [...state.messages, { role: "error", content: words.recording }] });
          put({ messages: [], busy: true });
          for (const message of recording) {
            for (let end = 0; message.role === "assistant" && end < message.content.length; end += 4) {
              put({ growing: message.content.slice(0, end) });
              await pause(40);
            }
            put({ messages: [...state.messages, message], growing: "" });
            await pause(400);
          }
          put({ busy: false });
        },
      };
    },
  };

  function host(kind, state, words) {
    const heard = {};
    const put = (values) => {
      Object.assign(state, values);
      for (const name of Object.keys(values)) (heard[`change:${name}`] ?? []).forEach((call) => call());
    };
    const kernel = KERNELS[kind]?.(state, put, words) ?? {};
    return {
      put, get: (name) => state[name], set: (name, value) => (kernel[name] ? kernel[name](value) : put({ [name]: value })), save_changes() {},
      on: (event, call) => { (heard[event] ??= []).push(call); },
      off: (event, call) => { heard[event] = (heard[event] ?? []).filter((each) => each !== call); },
      send: kernel.message,                     // none: the widget knows that nobody answers
    };
  }

  const loaded = {};
  const load = (name) => loaded[name] ??= new Promise((done, failed) => {       // a page from disk may run a script, and fetch nothing
    const script = Object.assign(document.createElement("script"), { src: FOLDER + name, onload: done, onerror: failed });
    document.head.append(script);
  });

  async function wake(still) {
    const id = still.dataset.live, words = WORDS[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];
    await Promise.all([load("widgets.js"), load(`${id}.js`)]);
    const bytes = Uint8Array.from(atob(BAKED[id]), (letter) => letter.charCodeAt(0));
    const { kind, state } = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
    const model = host(kind, { ...state, _gone: "" }, words), box = document.createElement("div"), el = document.createElement("div");
    const fields = state.fields ?? [], drawn = fields.some(({ examples }) => examples) ? words.text : words.pictures.replace("{0}", state.pictures?.length);
    const said = { Explore: drawn + (fields.some(({ kind }) => kind === "slider") ? words.slider : ""),
      AttentionView: words.text, Chat: words.recording, Tour: "" }[kind] ?? words.formula;
    if (state.texts?.length > 1) {
      const select = document.createElement("select"), label = document.createElement("label");
      select.append(...state.texts.map(({ _meta }, i) => new Option(JSON.parse(_meta).text, i)));
      select.addEventListener("change", () => model.put(state.texts[select.value]));
      label.append(words.sentence, " ", select);
      box.append(label);
    }
    box.className = "course-awake";
    box.append(el, Object.assign(document.createElement("p"), { className: "course-help", textContent: said }));
    still.after(box);
    WIDGETS[kind].render({ model, el });
  }

  addEventListener("DOMContentLoaded", () => {
    const watch = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) { watch.unobserve(target); wake(target); }
    }, { rootMargin: "300px" });
    for (const still of document.querySelectorAll("[data-live]")) watch.observe(still);
  });
})();
