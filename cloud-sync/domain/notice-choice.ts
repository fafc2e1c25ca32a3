/** What a person may choose to be told of their visitors. */

/** "push": the community's app or browsers, and by mail where neither is reached. */
export const noticeWays = ["push", "email", "none"] as const;

export interface NoticeChoice {
  readonly channel: (typeof noticeWays)[number];
  /** When a visitor was let in. */
  readonly entries: boolean;
  /** When one was not. */
  readonly denials: boolean;
}

/** Of whoever has not chosen. */
export const usualChoice: NoticeChoice = { channel: "push", entries: true, denials: false };
