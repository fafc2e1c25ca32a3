/** What guests are told, in English. Fields: see ../domain/message-text.ts. */
import type { GuestTexts } from "./texts.ts";

const works = "It works from {from} until {until}: {doors}.";

export const en: GuestTexts = {
  subjects: {
    code: "Your code for {property}",
    changed: "Your stay at {property} has changed",
    "new-code": "Your new code for {property}",
    cancelled: "Your stay at {property} was called off",
  },
  texts: {
    code: {
      link: `Hello {guest}, here is your code for {property}: {link}\n${works}`,
      pin: `Hello {guest}, your code for {property} is {code}.\n${works}`,
    },
    changed: {
      link: "Hello {guest}, your stay at {property} has changed. Your code is the same and works from {from} until {until}: {doors}. {link}",
      pin: "Hello {guest}, your stay at {property} has changed. Your code is the same and works from {from} until {until}: {doors}.",
    },
    "new-code": {
      link: `Hello {guest}, you have a new code for {property}: {link}\nUse it instead of the one before. ${works}`,
      pin: `Hello {guest}, your new code for {property} is {code}. Use it instead of the one before.\n${works}`,
    },
    cancelled: {
      link: "Hello {guest}, your stay at {property} was called off. Your code works no more.",
      pin: "Hello {guest}, your stay at {property} was called off. Your code works no more.",
    },
  },
  unproven: "The door has not confirmed it yet. If it does not work, call your host.",
  wifi: "Wi-Fi: {wifi}",
};
