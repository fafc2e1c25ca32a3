/** What a command prints when it may be much, or must not be lost without a word. */

/** False when nobody reads any more, as behind `| head`: the command may end. Rejects when the output's disk is full. */
export function print(text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error?: (Error & { readonly code?: string }) | null) => {
      if (error && error.code !== "EPIPE") reject(error);
      else resolve(!error);
    });
  });
}
