import * as v from 'valibot'

/** `{ … }`, and not the `[ … ]` that `v.record` takes for one. */
export const objectOfFields = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value)),
  v.record(v.string(), v.unknown()),
)

/** The text of such an object. */
export const jsonObject = v.pipe(v.string(), v.parseJson(), objectOfFields)
