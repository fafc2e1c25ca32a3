/**
 * PGlite as drizzle asks it, with statements that are read once: PGlite's own query() hands over six messages one by one, and reads the text
 * and the columns anew each time, which takes longer than most queries do.
 */
import {
  Mutex,
  type messages,
  type PGlite,
  parse,
  protocol,
  type QueryOptions,
  TransactionAbortedError,
} from "@electric-sql/pglite";

interface Statement {
  readonly name: string;
  readonly parameterTypes: readonly number[];
  readonly columns: readonly { readonly name: string; readonly dataTypeID: number }[];
}

interface Answer {
  readonly rows: unknown[];
  readonly command: string | undefined;
}

/** Beyond them the one that has not been used for longest is forgotten. */
const statementsMax = 250;
/** A plan that was good for an empty table is not for a full one, and nothing else tells PGlite so: it runs no autovacuum. */
const plansLiveQueries = 1_000;

const { serialize } = protocol;

export class PreparedPglite {
  readonly #client: PGlite;
  readonly #mutex = new Mutex();
  readonly #oneByOne = new Mutex();
  /** By their text; the last used is the last. */
  readonly #statements = new Map<string, Statement>();
  #named = 0;
  #asked = 0;

  constructor(client: PGlite) {
    this.#client = client;
  }

  /** Waits for the transaction that is under way. */
  query(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<Answer> {
    return this.#mutex.runExclusive(async () => {
      await this.#renewPlans();
      return this.#ask(text, values, options);
    });
  }

  /** Of the queries only those of `tx` belong to it, and none once it has ended. */
  transaction<T>(work: (tx: Pick<PreparedPglite, "query">) => Promise<T>): Promise<T> {
    return this.#mutex.runExclusive(async () => {
      await this.#renewPlans();
      await this.#ask("begin");
      let hasEnded = false;
      const query: PreparedPglite["query"] = async (text, values, options) => {
        if (hasEnded) throw new Error("the transaction has ended");
        return this.#ask(text, values, options);
      };
      try {
        const result = await work({ query });
        hasEnded = true;
        const { command } = await this.#ask("commit");
        if (command === "ROLLBACK") throw new TransactionAbortedError();
        return result;
      } catch (error) {
        hasEnded = true;
        // It must go through whatever came before it, or everybody after it is in a transaction that is over.
        await this.#oneByOne.runExclusive(() => this.#tell(serialize.query("rollback")));
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#mutex.runExclusive(() => this.#client.close());
  }

  /** Outside of a transaction: inside, it would be refused after an error, and would take the snapshot too soon. */
  async #renewPlans(): Promise<void> {
    if (this.#asked < plansLiveQueries) return;
    this.#asked = 0;
    await this.#oneByOne.runExclusive(() => this.#tell(serialize.query("discard plans")));
  }

  /** One at a time: what a transaction has begun to ask is answered before it is rolled back. */
  #ask(text: string, values: readonly unknown[] = [], options?: QueryOptions): Promise<Answer> {
    return this.#oneByOne.runExclusive(async () => {
      if (this.#client.closed) throw new Error("PGlite is closed");
      this.#asked += 1;
      const statement = this.#statements.get(text) ?? (await this.#prepare(text));
      this.#statements.delete(text);
      this.#statements.set(text, statement);
      try {
        const bind = serialize.bind({ statement: statement.name, values: this.#written(values, statement) });
        const told = await this.#tell(bind, serialize.execute(), serialize.sync());
        return this.#read(told, statement, options);
      } catch (error) {
        // The schema may have become another one.
        await this.#forget(text, statement);
        throw error;
      }
    });
  }

  async #prepare(text: string): Promise<Statement> {
    const [oldest] = this.#statements;
    if (oldest && this.#statements.size >= statementsMax) await this.#forget(...oldest);
    this.#named += 1;
    const name = `s${this.#named}`;
    const described = serialize.describe({ type: "S", name });
    const told = await this.#tell(serialize.parse({ name, text }), described, serialize.sync());
    const parameterTypes = parse.parseDescribeStatementResults([...told]);
    const columns = told.find((one) => one.name === "rowDescription") as messages.RowDescriptionMessage | undefined;
    return { name, parameterTypes, columns: columns?.fields ?? [] };
  }

  async #forget(text: string, { name }: Statement): Promise<void> {
    this.#statements.delete(text);
    await this.#tell(serialize.close({ type: "S", name }), serialize.sync());
  }

  /** Rejects with the database's refusal. */
  #tell(...words: readonly Uint8Array[]) {
    return this.#client.execProtocolStream(Buffer.concat(words));
  }

  #written(values: readonly unknown[], { parameterTypes }: Statement): (string | null)[] {
    return values.map((value, index) => {
      if (value === null || value === undefined) return null;
      const type = parameterTypes[index];
      const write = type === undefined ? undefined : this.#client.serializers[type];
      return write ? write(value) : String(value);
    });
  }

  #read(
    told: readonly { readonly name: string }[],
    { columns }: Statement,
    { rowMode, parsers: own = {} }: QueryOptions = {},
  ): Answer {
    const rows: unknown[] = [];
    let command: string | undefined;
    for (const one of told) {
      if (one.name === "commandComplete") command = (one as messages.CommandCompleteMessage).text.split(" ")[0];
      if (one.name !== "dataRow") continue;
      const values = (one as messages.DataRowMessage).fields.map((text, index) => {
        const { dataTypeID: type } = columns[index]!;
        const readAs = own[type] ?? this.#client.parsers[type];
        return text === null || !readAs ? text : readAs(text, type);
      });
      rows.push(
        rowMode === "array" ? values : Object.fromEntries(columns.map(({ name }, index) => [name, values[index]])),
      );
    }
    return { rows, command };
  }
}
