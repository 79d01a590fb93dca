// Loaded before Azurite: stops it when the pipe to the process that started it closes, even after a SIGKILL.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
