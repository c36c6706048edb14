// Lines and bars over time, drawn by uPlot. Its colours come from the page's, so that both themes are right.

import { html, useEffect, useRef, useState } from "../page.js";

// A third of all the code there is. It is fetched when the words around a picture are on the screen.
let fetched = null;
function drawing() {
  fetched ??= import("../vendor/uplot.js").then(({ default: uPlot }) => uPlot);
  fetched.catch(() => { fetched = null; });
  return fetched;
}

const idle = (then) => (globalThis.requestIdleCallback ?? setTimeout)(then);

// The colour that a variable of the style sheet stands for now.
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// Counts changes of colours.
export function useTheme() {
  const [count, next] = useState(0);
  useEffect(() => {
    const changed = () => next((count) => count + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", changed);
    addEventListener("themechange", changed);
    return () => {
      system.removeEventListener("change", changed);
      removeEventListener("themechange", changed);
    };
  }, []);
  return count;
}

const FONT = "11px system-ui, sans-serif";

function axes(shape) {
  const quiet = { stroke: colour("--quiet"), font: FONT, ticks: { show: false } };
  return [
    { ...quiet, grid: { show: false }, size: shape.bare ? 0 : 26, gap: 9, space: 76, values: shape.xValues, show: !shape.bare },
    { ...quiet, grid: { stroke: colour("--line"), width: 1 }, size: shape.gutter ?? 54, gap: 6, space: 26, values: shape.yValues, ...(shape.ySplits && { splits: shape.ySplits }) },
  ];
}

const lines = (uPlot) => ({ kind, tint, fill, dashed }) => {
  const stroke = colour(tint);
  if (kind === "bars") return { stroke, fill: stroke, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.75, 14], gap: 1 }) };
  const paths = kind === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear();
  return { stroke, width: 1.75, dash: dashed ? [4, 3] : undefined, fill: fill ? colour(fill) : undefined, paths, spanGaps: false, points: { size: 4, show: true } };
};

// `series`: [{label, kind, tint}], `columns`: their values after the xs. `point(index)` is told what the pointer is at, or null.
export function Plot({ label, series, columns, height, shape = {}, point }) {
  const place = useRef(null);
  const plot = useRef(null);
  const theme = useTheme();
  const [lost, lose] = useState(false);
  const newest = useRef({});
  newest.current = { columns, point, shape };
  useEffect(() => {
    let here = true;
    let resized = null;
    const draw = (uPlot) => {
      if (!here) return;
      lose(false);
      const options = {
        width: place.current.clientWidth,
        height,
        padding: [6, 16, shape.bare ? 8 : 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: shape.sync ? { key: shape.sync } : undefined },
        // Ticks at whole days and minutes of UTC, as the data is.
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
        scales: { x: { time: true, range: shape.xRange && (() => newest.current.shape.xRange()) }, y: { range: shape.yRange } },
        axes: axes(shape),
        series: [{}, ...series.map(lines(uPlot))],
        hooks: { setCursor: [(self) => newest.current.point?.(self.cursor.idx ?? null)] },
      };
      plot.current = new uPlot(options, newest.current.columns, place.current);
      resized = new ResizeObserver(([{ contentRect }]) => plot.current.setSize({ width: contentRect.width, height }));
      resized.observe(place.current);
    };
    idle(() => here && drawing().then(draw, () => here && lose(true)));
    return () => {
      here = false;
      resized?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme, height, series.length]);
  useEffect(() => plot.current?.setData(columns), [columns]);
  return html`<div class="plot" role="img" aria-label=${label} ref=${place} style=${{ height: `${height}px` }}>${lost && html`<span class="small quiet">What draws this could not be fetched: load the page again.</span>`}</div>`;
}
