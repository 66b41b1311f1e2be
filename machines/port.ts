import { fromPromise } from 'xstate'

/**
 * A step that a machine names and types but does not do: `src/` provides it. Reached without
 * being provided, it fails, which a test notices.
 */
export function port<Result, Input>(machine: string, step: string) {
  return fromPromise<Result, Input>(() =>
    Promise.reject(new Error(`the step "${step}" of the ${machine} machine was not provided`)),
  )
}
