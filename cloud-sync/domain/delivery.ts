/** How far a message to a guest has come, purely: services tell of it late, twice, in any order, or before its sending was written down. */

/**
 * "waiting": it leaves when its time comes · "sending": handed over just now, or nobody knows · "sent": a service has it · "delivered", "read":
 * it is with the guest · "failed": no way reached them · "unknown": it may have left, and nobody can say · "dropped": it was not so any more.
 */
export const messageStates = [
  "waiting",
  "sending",
  "sent",
  "delivered",
  "read",
  "failed",
  "unknown",
  "dropped",
] as const;
export type MessageState = (typeof messageStates)[number];

/** What a service may tell of a message it has. */
export const deliveryWords = ["sent", "delivered", "read", "failed"] as const;
export type DeliveryWord = (typeof deliveryWords)[number];

const ranks: Readonly<Record<MessageState | DeliveryWord, number>> = {
  waiting: 0,
  sending: 0,
  unknown: 0,
  dropped: 0,
  sent: 1,
  failed: 2,
  delivered: 3,
  read: 4,
};

/** What is known once this is told: nothing goes back, and a failure counts unless the guest has it. */
export function afterWord(state: MessageState, word: DeliveryWord): MessageState {
  return ranks[word] > ranks[state] ? word : state;
}

/** The guest knows what it says, as far as anybody can tell. */
export const toldStates: readonly MessageState[] = ["sending", "sent", "delivered", "read", "unknown"];
