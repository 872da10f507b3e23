import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { events } from "../events";
import { isDark } from "../theme";

const SECONDS = 120;

/** Events a second over the last two minutes, by this browser's own clock: how busy the lab is, whatever its clock does. */
export function Rate() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current!;
    const times = Array.from({ length: SECONDS }, (_, index) => index - SECONDS + 1);
    const counts = new Array<number>(SECONDS).fill(0);
    let received = events.received;
    const colour = () => getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
    const plot = new uPlot({
      width: Math.max(80, element.clientWidth), height: 44, cursor: { show: false }, legend: { show: false }, padding: [4, 0, 0, 0],
      scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, Math.max(5, max)] } },
      axes: [{ show: false }, { show: false }],
      series: [{}, { stroke: colour, width: 1.5, points: { show: false }, fill: () => colour() + "33" }],
    }, [times, counts], element);
    const beat = setInterval(() => {
      counts.push(events.received - received);
      received = events.received;
      counts.shift();
      plot.setData([times, counts]);
      element.title = `${counts[SECONDS - 1]} events in the last second`;
    }, 1000);
    const sized = new ResizeObserver(() => plot.setSize({ width: Math.max(80, element.clientWidth), height: 44 }));
    sized.observe(element);
    const unfollow = isDark.subscribe(() => requestAnimationFrame(() => plot.redraw()));
    return () => {
      clearInterval(beat);
      sized.disconnect();
      unfollow();
      plot.destroy();
    };
  }, []);
  return (
    <div class="rate" ref={place} role="img" aria-label="Events a second over the last two minutes">
      <span class="rate-caption quiet" aria-hidden="true">events a second, two minutes</span>
    </div>
  );
}
