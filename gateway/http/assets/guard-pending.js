/** The one thing under way, kept in the browser (IndexedDB) until it is answered: what was sent, with its number and its photo. */
const database = "postern-guard";
const store = "under-way";
const only = "one";

function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(database, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(store);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

async function within(mode, work) {
  try {
    const db = await open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = db.transaction(store, mode);
        const request = work(transaction.objectStore(store));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = () => reject(transaction.error);
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      db.close();
    }
  } catch {
    // A browser that keeps nothing (a private window, a full disk): the page goes on for as long as it is open.
    return undefined;
  }
}

/** In the place of what was kept before. */
export const keep = (sending) => within("readwrite", (all) => all.put(sending, only));

/** undefined: nothing is under way. */
export const kept = () => within("readonly", (all) => all.get(only));

export const forget = () => within("readwrite", (all) => all.delete(only));
