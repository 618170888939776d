// Loaded into a child process (`node --import`): it ends in order when its parent is gone, also
// after a kill -9 of the parent, because the system closes the channel between them.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel alone is no reason to stay.
process.channel?.unref();
