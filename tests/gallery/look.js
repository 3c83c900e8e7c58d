// Return what is seen of the page in a frame: what is wrong, one sentence each, how many columns there are, how many screens
// of a phone, which channels, whether it is dark, and the hostile message's words where no look-alikes are shown.
({ contentDocument: document, contentWindow: { innerWidth } }) => {
  const findings = [];
  const frames = ".card, .lock, nav, header, .head, h3, .none, .scene";
  const about = element => {
    const sample = element.closest("[data-name]");
    return `${sample ? sample.dataset.name : element.tagName}: `;
  };
  const root = document.scrollingElement;
  if (root.scrollWidth > innerWidth) findings.push(`the page is ${root.scrollWidth} wide in a window of ${innerWidth}`);
  for (const frame of document.querySelectorAll(frames)) {
    const box = frame.getBoundingClientRect();
    if (box.left < 0 || box.right > innerWidth + 1) findings.push(about(frame) + "a frame leaves the window");
  }

  const luminance = ([r, g, b]) =>
    [r, g, b].map(v => v / 255).map(v => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
  const rgba = colour => colour.match(/[\d.]+/g).map(Number);
  const background = element => {
    for (; element; element = element.parentElement) {
      const colour = rgba(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = element => {
    const [dark, light] = [rgba(getComputedStyle(element).color), background(element)].map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, node =>
    node.data.trim() && !node.parentElement.closest("script") ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const frame = element.closest(frames);
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const right = frame ? frame.getBoundingClientRect().right : innerWidth;
    if ([...range.getClientRects()].some(box => box.right > right + 1 || box.left < 0))
      findings.push(about(element) + `“${texts.currentNode.data.trim().slice(0, 40)}” leaves its frame`);
    if (contrast(element) < 4.5)
      findings.push(about(element) + `“${texts.currentNode.data.trim().slice(0, 40)}” is hard to read`);
  }

  const known = new Set(["DIV", "P", "H4", "B", "SMALL", "CODE", "SPAN", "A"]);
  for (const element of document.querySelectorAll(".card *, .lock *")) {
    if (!known.has(element.tagName)) findings.push(about(element) + `an element ${element.tagName} in a message`);
    if (element.tagName === "A" && !/^https:\/\/(crm\.zoho\.\w+\/$|git\.acme\.example\/)/.test(element.href))
      findings.push(about(element) + `a link to ${element.href}`);
    if ([...element.attributes].some(attribute => !["class", "href", "aria-hidden"].includes(attribute.name)))
      findings.push(about(element) + `an attribute in ${element.outerHTML.slice(0, 60)}`);
  }

  const grids = [...document.querySelectorAll(".panes, .fields")].map(grid => getComputedStyle(grid).gridTemplateColumns);
  const pane = channel => `[data-name="hostile-every-field-is-hostile-or-far-too-long"] [data-channel=${channel}]`;
  const panes = [...document.querySelectorAll(".pane:not(:only-child)")].filter(pane => pane.offsetHeight);
  return {
    findings,
    screens: root.scrollHeight / 844,
    channels: [...new Set(panes.map(pane => pane.dataset.channel))],
    columns: [...new Set(grids.map(columns => columns.split(" ").length))],
    dark: luminance(background(document.body)) < 0.05,
    hostile: ["slack", "sns"].map(channel => document.querySelector(pane(channel)).innerText),
  };
}
