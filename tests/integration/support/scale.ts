/**
 * Promises about thousands of requests or gigabytes are provoked in a short form by every test run, and in full with
 * `CORRAL_TEST_LONG=1`. The title of such a test ends with `form`, so that a report says which of the two it was.
 */
const isLong = process.env['CORRAL_TEST_LONG'] === '1';

export const form = isLong ? '(long form)' : '(short form)';

export function scaled<Value>({ short, long }: { readonly short: Value; readonly long: Value }): Value {
  return isLong ? long : short;
}
