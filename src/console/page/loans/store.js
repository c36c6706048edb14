// The customers of the gateway's store, if it has one.

import { useEffect, useRef, useState } from "../page.js";
import { ask } from "../api.js";

const PAGE = 50;

export function useStore() {
  const [store, set] = useState({ state: "asking", ids: [], next: null, error: null });
  const asking = useRef(new AbortController());
  const read = async (cursor) => {
    const { signal } = asking.current;
    try {
      const { data, page } = await ask(`customers?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
      const ids = data.map(({ id }) => id);
      set((before) => ({ state: "there", ids: cursor ? [...before.ids, ...ids] : ids, next: page.next_cursor, error: null }));
    } catch (error) {
      if (signal.aborted) return;
      // Without a store everything else works, so that is no trouble.
      if (error.code === "capability_not_supported") set({ state: "none", ids: [], next: null, error: null });
      else set((before) => ({ ...before, error }));
    }
  };
  useEffect(() => {
    read(null);
    return () => asking.current.abort();
  }, []);
  return { ...store, more: () => read(store.next), again: () => read(null) };
}
