/** The work of both sides: next to nothing, so that what is measured is everything around it. */
export default async function echo(job) {
  return { ok: true, n: job.data.n };
}
