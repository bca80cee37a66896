// A whole page in a frame of its own: its scripts run, and cannot reach the notebook.
export default widget(({ model, el }) => {
  const frame = document.createElement("iframe");
  frame.title = "bertviz";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.style.cssText = "width:100%;height:460px;border:0";
  frame.srcdoc = model.get("page");
  el.append(frame);
});
