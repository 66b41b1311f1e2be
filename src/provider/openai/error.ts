import * as v from 'valibot'
import { parseJson } from '../json.ts'

/** What an error body of OpenAI holds, in whichever of its shapes it came. */
export interface ErrorBody {
  /** Code and type, in this order, as far as given: either may carry the meaning. */
  readonly codes: readonly string[]
  readonly message: string
  readonly resetsInSeconds: number | undefined
  readonly resetsAt: string | number | undefined
}

const text = v.fallback(v.optional(v.string()), undefined)
const number = v.fallback(v.optional(v.number()), undefined)

const InnerSchema = v.object({
  code: text,
  type: text,
  message: text,
  resets_in_seconds: number,
  resets_at: v.fallback(v.optional(v.union([v.number(), v.string()])), undefined),
})

const BodySchema = v.object({
  error: v.fallback(v.optional(InnerSchema), undefined),
  /** The account gate answers `{"detail":{"code":"deactivated_workspace"}}`. */
  detail: v.fallback(v.optional(InnerSchema), undefined),
  code: text,
  message: text,
})

const NOTHING: ErrorBody = {
  codes: [],
  message: '',
  resetsInSeconds: undefined,
  resetsAt: undefined,
}

/** Reads an error body; what cannot be read is no evidence. */
export function readError(body: string | undefined): ErrorBody {
  const parsed = v.safeParse(BodySchema, body === undefined ? undefined : parseJson(body))
  if (!parsed.success) return NOTHING
  const { error, detail, code, message } = parsed.output
  const inner = error ?? detail
  return {
    codes: [inner?.code, inner?.type, code].filter((word) => word !== undefined),
    message: inner?.message ?? message ?? '',
    resetsInSeconds: inner?.resets_in_seconds,
    resetsAt: inner?.resets_at,
  }
}
