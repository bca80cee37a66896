// A whole page in a frame of its own: its scripts run, and cannot reach the notebook.
export default widget(({ model, el }) => {
  const frame = document.createElement("iframe");
  frame.title = "bertviz";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.className = "course-bertviz";
  frame.srcdoc = model.get("page");
  el.append(frame);
});
