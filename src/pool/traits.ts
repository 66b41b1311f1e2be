/** What selection needs to know of a request. */
export interface RequestTraits {
  /** The conversation; undefined when the caller names none. */
  readonly conversation: string | undefined
  /** The conversation that started this one: a subagent's parent. */
  readonly parent: string | undefined
  readonly model: string | undefined
  /** Of a pool with keys and logins, only its keys can serve it. */
  readonly needsKey?: boolean
}
