/** Where the phone is, put into the form that asks for it. Whoever does not let it be known, or stands in a cellar, goes on without. */

const known = { maximumAge: 60_000, timeout: 8_000 };
let last;

export function tellWhere(form) {
  const fill = () => {
    form.elements.lat.value = last?.latitude ?? "";
    form.elements.lng.value = last?.longitude ?? "";
  };
  fill();
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => {
      last = coords;
      fill();
    },
    () => {
      // An old place would be worse than none.
      last = undefined;
      fill();
    },
    known,
  );
}
