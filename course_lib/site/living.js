// The page: what is typed is read, and what the model expects next is shown, drawn or typed on.

const WORDS = {
  zh: {
    title: "住在网页里的语言模型", other: "English",
    about: "这不是录像。整个模型都在这一个文件里：参数、分词器和一百多行计算。你每打一个字，它就真的算一遍；断了网也一样。它很小，只会写中文，也不懂事实。",
    model: "模型", start: "体裁", one: "写一个字", run: "一直写", stop: "停", clear: "清空", temperature: "温度", top_p: "top-p",
    next: "下一个字", next_how: "先自己猜，再看。实心条是抽取时的概率（温度和 top-p 都算上），细框是模型原来的概率；划掉的不会被抽到。点一条，就接上它。",
    heads: "每个注意力头在看哪里", heads_how: "一行是一层，一格是一个头；竖着是“谁在看”，横着是“看谁”，颜色越深，权重越大。点一格放大；方向键也行。",
    head: "第 {0} 层，第 {1} 个头", looks: "“{0}”看“{1}”：权重 {2}", products: "{0} 个乘积 q × k，加起来就是 q · k（蓝正橙负）", numbers: "看全部 {0} 个数",
    softmax: "取 exp，除以 {0} 个 exp 的和", parameters: "{0} 万个参数", time: "新读了 {0} 个，每个 {1} 毫秒。", end: "结束", writing: "这里打字",
    unknown: "它没见过：{0}。读的时候都当成 <unk>。", full: "最多读 {0} 个字，后面的没有读。", done: "它觉得写完了。", reading: "正在读：{0} / {1}",
    "<pos>": "好评", "<neg>": "差评", "<news>": "新闻", "<五绝>": "五言绝句", "<七绝>": "七言绝句", "<五律>": "五言律诗", "<七律>": "七言律诗",
  },
  en: {
    title: "A language model that lives in this page", other: "中文",
    about: "This is no recording. The whole model is in this one file: parameters, tokenizer, and less than two hundred lines that compute. With every character you type it really runs, offline as well. It is small, writes Chinese only, and knows no facts.",
    model: "Model", start: "It writes", one: "One character", run: "Go on writing", stop: "Stop", clear: "Clear", temperature: "Temperature", top_p: "Top-p",
    next: "The next character", next_how: "Guess first, then look. Solid: the probability that it is drawn with, after temperature and top-p. Thin frame: what the model says. Struck out: never drawn. Click a bar to add it.",
    heads: "Where each attention head looks", heads_how: "A row is a layer, a square is a head: down, who looks; across, at what; the deeper the colour, the larger the weight. Click one to enlarge it, or use the arrow keys.",
    head: "Layer {0}, head {1}", looks: "“{0}” looks at “{1}”: weight {2}", products: "{0} products q × k; their sum is q · k (blue above 0, orange below)", numbers: "All {0} numbers",
    softmax: "its exp, over the sum of {0} exps", parameters: "{0} million parameters", time: "Newly read: {0}, at {1} ms each.", end: "end", writing: "Type here",
    unknown: "Not in its vocabulary: {0}. It reads <unk> instead.", full: "It reads at most {0} characters; the rest was not read.", done: "It thinks that this is the end.", reading: "Reading: {0} / {1}",
    "<pos>": "a favourable review", "<neg>": "an unfavourable review", "<news>": "news", "<五绝>": "a poem, 4 lines of 5", "<七绝>": "a poem, 4 lines of 7", "<五律>": "a poem, 8 lines of 5", "<七律>": "a poem, 8 lines of 7",
  },
};

const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const remembered = () => { try { return localStorage.getItem("language"); } catch { return null; } };     // a page from disk may have no storage
let language = remembered() ?? (navigator.language.startsWith("zh") ? "zh" : "en");
const say = (name, ...values) => WORDS[language][name].replace(/\{(\d)\}/g, (_, i) => values[i]);
const heads = new Heads(say);
let model, characters, logits, tokens, turn = 0, running = false;

/** Another model: unpack its weights and begin with its own text. */
function choose(name) {
  const { config, shapes, weights, starts, text, characters: table } = data[name];
  model = new Llama(config, readTensors(Uint8Array.from(atob(weights), (byte) => byte.charCodeAt(0)), shapes));
  characters = new Characters(table);
  at("text").value = text;
  at("start").replaceChildren(...starts.map((start) => make("option", { value: start }, say(start))));
  heads.use(model);
}

/** Read what stands there, as far as it was not read before, in pieces so that the page stays awake; a newer text ends the reading. */
async function refresh() {
  const mine = ++turn, began = performance.now(), start = at("start").value;
  const written = characters.encode(at("text").value), fits = written.slice(0, model.config.context - 1);
  const ids = [characters.idOf.get(start), ...fits.map(({ id }) => id)], same = model.agreeing(ids);
  model.forget(same);
  for (let i = same, rest = began; i < ids.length; i++) {
    logits = model.step(ids[i]);
    if (performance.now() - rest > 100) {
      at("note").textContent = say("reading", i + 1, ids.length);
      await new Promise((resolve) => setTimeout(resolve));
      if (mine !== turn) return;
      rest = performance.now();
    }
  }
  tokens = [start, ...fits.map(({ text }) => text)];
  const lost = [...new Set(fits.filter(({ id }) => id === characters.idOf.get("<unk>")).map(({ text }) => text))];
  const notes = [say("time", ids.length - same, ((performance.now() - began) / (ids.length - same)).toFixed(1))];
  if (lost.length) notes.push(say("unknown", lost.slice(0, 8).join(" ")));
  if (fits.length < written.length || ids.length === model.config.context) notes.push(say("full", model.config.context - 1));
  at("note").textContent = notes.join(" ");
  drawBars();
  heads.draw(tokens);
}

/** What may be drawn next, by id; the model never means to write the tokens that begin a text. */
function chances() {
  const never = characters.special.filter((token) => token !== "<eos>").map((token) => characters.idOf.get(token));
  return nextProbabilities(logits, Number(at("temperature").value), Number(at("top_p").value), never);
}

function drawBars() {
  const own = softmax(Array.from(logits)), drawn = chances();
  const best = own.map((_, id) => id).sort((a, b) => own[b] - own[a]).slice(0, 8);
  at("bars").replaceChildren(...best.map((id) => {
    const shown = characters.tokens[id] === "<eos>" ? say("end") : characters.tokens[id].trim() || "␣";
    const bar = make("button", { class: drawn[id] ? "bar" : "bar out" }, make("b", {}, shown),
                     make("span", {}, make("i", { style: `width: ${100 * drawn[id]}%` }), make("u", { style: `width: ${100 * own[id]}%` })),
                     make("small", {}, `${(100 * drawn[id]).toFixed(1)} %`));
    bar.onclick = () => append(id);
    return bar;
  }));
  for (const slider of ["temperature", "top_p"]) at(slider).nextElementSibling.textContent = at(slider).value;
}

/** Write one token; false where the text is at its end. */
async function append(id) {
  const token = characters.tokens[id], full = tokens.length >= model.config.context;
  if (token === "<eos>" || full) {
    at("note").textContent = token === "<eos>" ? say("done") : say("full", model.config.context - 1);
    return false;
  }
  at("text").value += token;
  at("text").scrollTop = at("text").scrollHeight;
  await refresh();
  return true;
}

/** Draw the next token by its chances and write it. */
function step() {
  let point = Math.random();
  const drawn = chances();
  const id = drawn.findIndex((chance) => (point -= chance) < 0);
  return append(id < 0 ? drawn.indexOf(Math.max(...drawn)) : id);      // rounding may leave a crumb
}

async function run() {
  running = !running;
  at("run").textContent = say(running ? "stop" : "run");
  while (running && await step()) await new Promise((resolve) => setTimeout(resolve, 30));
  running = false;
  at("run").textContent = say("run");
}

/** All words of the page in the language in force. */
function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  at("language").textContent = say("other");
  at("run").textContent = say(running ? "stop" : "run");
  at("text").setAttribute("aria-label", say("writing"));
  for (const option of at("start").options) option.textContent = say(option.value);
  for (const option of at("model").options) {
    const millions = data[option.value].shapes.reduce((sum, [, size]) => sum + size, 0) / 1e6;
    option.textContent = `${option.value} · ${say("parameters", language === "zh" ? Math.round(100 * millions) : millions.toFixed(1))}`;
  }
}

at("model").append(...Object.keys(data).map((name) => make("option", { value: name })));
choose(at("model").value);
speak();
refresh();
at("text").oninput = refresh;
at("start").onchange = refresh;
at("model").onchange = () => { running = false; choose(at("model").value); refresh(); };
at("temperature").oninput = at("top_p").oninput = drawBars;
at("one").onclick = step;
at("run").onclick = run;
at("clear").onclick = () => { running = false; at("text").value = ""; refresh(); };
at("text").onkeydown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) step(); };
at("language").onclick = () => {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem("language", language); } catch { /* see above */ }
  speak();
  refresh();
};
matchMedia("(prefers-color-scheme: dark)").onchange = () => heads.draw();
onresize = () => heads.drawLarge();
