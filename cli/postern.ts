/** The command line. */
console.log("postern");
