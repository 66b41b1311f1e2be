/** The URLs of a provider. Each can be redirected by `endpoints` in the config. */
export interface Endpoints {
  readonly authorize: string
  readonly token: string
  readonly usage: string
  readonly profile: string
  /** Where requests for the model go; undefined = leave the request's own origin alone. */
  readonly api: string | undefined
}
