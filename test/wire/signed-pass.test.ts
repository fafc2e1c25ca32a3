import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "uqr";
import { openSignedPass, signPass } from "../../gateway/wire/signed-pass.ts";
import fc from "../support/fast-check.ts";
import {
  aSignedPass,
  goldenPasses,
  otherKey,
  passKeys,
  shownAt,
  signedIds,
  sitesKey,
} from "../support/signed-passes.ts";
import { aDay, noon } from "../support/site-fixture.ts";

const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const home = { gateway: "gateway-1", epoch: 1 };

test("the golden passes are what we sign, letter by letter, and read as what they say", () => {
  for (const { text, entries, accessPoints, ...span } of goldenPasses.passes) {
    const validity = { from: Date.parse(span.from), until: Date.parse(span.until) };
    assert.equal(
      signPass({ site: "site-1", home, ...signedIds, validity, entries, accessPoints }, sitesKey)?.text,
      text,
    );
    const read = { ...signedIds, validity, entries, accessPoints, home: "here", homeGateway: "gateway-1" };
    assert.deepEqual(openSignedPass(text, shownAt({ keys: [{ publicKey: goldenPasses.publicKey }] })), read);
  }
});

test("signed by the site's key and still none: too long a life, none, no door, too many, another site, a signature respelt", () => {
  assert.deepEqual(Object.keys(goldenPasses.noPasses).length, 6);
  for (const [name, text] of Object.entries(goldenPasses.noPasses))
    assert.equal(openSignedPass(text, shownAt()), undefined, name);
  assert.ok(openSignedPass(goldenPasses.noPasses.otherSite!, shownAt({ site: "site-2" })), "at its own site it is one");
});

test("no bit of it can be changed, no letter left out or added, and it has one spelling", () => {
  const text = aSignedPass();
  for (let at = 0; at < text.length; at += 1) {
    const here = text[at]!;
    for (const bit of [1, 2, 4, 8, 16]) {
      const other = letters[(letters.indexOf(here) ^ bit) & 31]!;
      assert.equal(
        openSignedPass(text.slice(0, at) + other + text.slice(at + 1), shownAt()),
        undefined,
        `${at} ${bit}`,
      );
    }
    assert.equal(openSignedPass(text.slice(0, at) + text.slice(at + 1), shownAt()), undefined, `without ${at}`);
    assert.equal(openSignedPass(text.slice(0, at), shownAt()), undefined, `cut at ${at}`);
  }
  const respelt = [
    text.toLowerCase(),
    `${text}0`,
    `${text}=`,
    ` ${text}`,
    text.replace("0", "O"),
    text.replace("1", "I"),
    `PST1${text}`,
    `${text.slice(0, 4)}-${text.slice(4)}`,
  ];
  for (const other of respelt) assert.equal(openSignedPass(other, shownAt()), undefined, other);
});

test("whatever is held under the camera: no throw, and no pass without the key", () => {
  const alphabet = fc.constantFrom(...letters, "é", " ", "\0", "-");
  const texts = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: alphabet, maxLength: 300 }));
  fc.assert(
    fc.property(texts, fc.boolean(), (text, isMarked) => {
      assert.equal(openSignedPass(isMarked ? `PST1${text}` : text, shownAt()), undefined);
    }),
  );
});

test("whose key it is counts, and for how long", () => {
  const [key] = passKeys;
  assert.equal(openSignedPass(aSignedPass({}, otherKey), shownAt()), undefined);
  assert.equal(openSignedPass(aSignedPass(), shownAt({ keys: [] })), undefined);
  const unreadable = [{ publicKey: "" }, { publicKey: "A".repeat(200) }];
  assert.equal(openSignedPass(aSignedPass(), shownAt({ keys: unreadable })), undefined);
  assert.ok(openSignedPass(aSignedPass(), shownAt({ keys: [...unreadable, key!] })));
  assert.ok(openSignedPass(aSignedPass(), shownAt({ keys: [{ ...key!, until: noon + 1 }] })));
  assert.equal(openSignedPass(aSignedPass(), shownAt({ keys: [{ ...key!, until: noon }] })), undefined);
});

test("it says where its entries are: here, at a card of this gateway that is gone, at a gate that is known or not", () => {
  const at = (gateway: string, epoch: number) => {
    const read = openSignedPass(aSignedPass({ home: { gateway, epoch } }), shownAt());
    return [read?.home, read?.homeGateway];
  };
  assert.deepEqual(at("gateway-1", 1), ["here", "gateway-1"]);
  assert.deepEqual(at("gateway-1", 2), ["here-before", "gateway-1"]);
  assert.deepEqual(at("gateway-2", 7), ["elsewhere", "gateway-2"]);
  assert.deepEqual(at("gateway-9", 1), ["elsewhere", undefined]);
});

test("it tells no more than it may: whole seconds and minutes within the validity, a day, eight doors, entries that fit", () => {
  const wide = { from: noon - aDay + 1, until: noon + 9 * aDay };
  const doors = Array.from({ length: 12 }, (_, at) => `door-${at}`);
  const text = aSignedPass({ validity: wide, accessPoints: doors, entries: 1_000_000 });
  const read = openSignedPass(text, shownAt({ accessPoints: () => [...doors, "front"] }));
  assert.deepEqual(read?.validity, { from: noon - aDay + 1_000, until: noon + 1_000 });
  assert.deepEqual([read?.accessPoints, read?.entries], [doors.slice(0, 8), 65_535]);

  const refused = [
    { grant: "grant-7k3m9xw2pa3dq8f" },
    { grant: "grant-7K3M9XW2PA3DQ8FZ" },
    { grant: "grant-7k3m9xw2pa3dq8fz-1" },
    { grant: "group-7k3m9xw2pa3dq8fz" },
    { credential: "credential-pass" },
    { accessPoints: [] },
    { entries: 0 },
    { validity: { from: noon, until: noon + 59_999 } },
  ];
  const pass = { site: "site-1", home, ...signedIds, validity: wide, entries: 1, accessPoints: ["front"] };
  for (const wrong of refused)
    assert.equal(signPass({ ...pass, ...wrong }, sitesKey), undefined, JSON.stringify(wrong));
});

test("with up to two doors the code is 41 modules wide", () => {
  const sizes = [1, 2, 3, 8].map((count) => {
    const accessPoints = Array.from({ length: count }, (_, at) => `door-${at}`);
    return encode(aSignedPass({ accessPoints }), { ecc: "L", border: 0 }).size;
  });
  assert.deepEqual(sizes, [41, 41, 45, 49]);
});
