// What is asked again and again, and how old it is.

import { useEffect, useRef, useState } from "./page.js";

// One clock for all that shows an age.
export function useNow(every = 1000) {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

// Asks with `load(signal)` every so often while somebody looks. The last answer stays while newer ones fail. `begins`: nothing
// came yet since somebody looks.
export function usePolled(load, every) {
  const [state, set] = useState({ value: null, error: null, begins: true });
  const again = useRef(() => {});
  useEffect(() => {
    let timer = null;
    let asking = null;
    const round = async () => {
      clearTimeout(timer);
      asking?.abort();
      const mine = new AbortController();
      asking = mine;
      let refused = false;
      try {
        const value = await load(mine.signal);
        if (!mine.signal.aborted) set({ value, error: null, begins: false });
      } catch (error) {
        // Who may not see it now may not in five seconds either.
        refused = error.status === 403;
        if (!mine.signal.aborted) set((before) => ({ ...before, error, begins: false }));
      }
      if (!mine.signal.aborted && !document.hidden && !refused) timer = setTimeout(round, every);
    };
    const seen = () => {
      if (document.hidden) return clearTimeout(timer);
      set((before) => ({ ...before, begins: true }));
      return round();
    };
    document.addEventListener("visibilitychange", seen);
    again.current = round;
    if (!document.hidden) round();
    return () => {
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(timer);
      asking?.abort();
    };
  }, [load, every]);
  return { ...state, again: () => again.current() };
}

// Asks once, and again when `keys` change. What was there stays visible, marked as being replaced.
export function useAsked(load, keys) {
  const [state, set] = useState({ value: null, error: null, asking: true });
  const [round, next] = useState(0);
  useEffect(() => {
    const mine = new AbortController();
    set((before) => ({ ...before, error: null, asking: true }));
    load(mine.signal).then(
      (value) => mine.signal.aborted || set({ value, error: null, asking: false }),
      (error) => mine.signal.aborted || set({ value: null, error, asking: false }),
    );
    return () => mine.abort();
  }, [...keys, round]);
  return { ...state, again: () => next((count) => count + 1) };
}
