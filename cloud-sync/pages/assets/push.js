/** Lets a browser be told: it asks its own push service for an address, which the form hands on. Without that the form stays hidden. */

const place = document.querySelector("[data-push]");
const form = place.querySelector("form");
const { push: key, worker, blocked } = place.dataset;
const isPossible = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

form.hidden = !isPossible;
document.getElementById("push-cannot").hidden = isPossible;

if (isPossible)
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fault = document.getElementById("push-fault");
    fault.textContent = "";
    try {
      await Notification.requestPermission();
      await navigator.serviceWorker.register(worker, { scope: "/" });
      const { pushManager } = await navigator.serviceWorker.ready;
      // One of another key would be refused.
      await (await pushManager.getSubscription())?.unsubscribe();
      const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      form.elements.subscription.value = JSON.stringify(subscription);
      form.submit();
    } catch {
      fault.textContent = blocked;
    }
  });
