/** What /metrics shows, in a registry of this service's own. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export class Meters {
  readonly #registry = new Registry();
  readonly #requests = new Histogram({
    name: "postern_http_request_seconds",
    help: "Time to answer, held polls and streams left out",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2],
    registers: [this.#registry],
  });
  readonly #polls = new Gauge({
    name: "postern_polls_held",
    help: "Polls of gateways under way",
    registers: [this.#registry],
  });
  readonly #events = new Counter({
    name: "postern_events_taken_total",
    help: "Events taken in from gateways' journals",
    registers: [this.#registry],
  });
  readonly #parked = new Counter({
    name: "postern_events_parked_total",
    help: "Events among them that this version could not read",
    registers: [this.#registry],
  });

  /** Adds the process's own figures: memory, processor, event loop. Once a process, because it observes all of it. */
  addProcess(): this {
    collectDefaultMetrics({ register: this.#registry, prefix: "postern_" });
    return this;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** Answers the way to say that the poll is over. */
  pollBegins(): () => void {
    this.#polls.inc();
    return () => this.#polls.dec();
  }

  eventsTaken(added: number, parked: number): void {
    this.#events.inc(added);
    this.#parked.inc(parked);
  }
}
