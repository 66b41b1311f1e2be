import type { RequestTraits } from '../pool/traits.ts'
import type { ReplayableRequest } from '../provider/provider.ts'

/** The model is named at the start of every body the host sends; do not parse a megabyte for it. */
const MODEL_WITHIN_CHARS = 4_096
const MODEL = /"model"\s*:\s*"([^"\\]{1,200})"/

/** What a request tells about itself: the conversation from the host's headers, the model. */
export function traitsOf({ headers, body }: ReplayableRequest): RequestTraits {
  return {
    conversation: headers.get('x-session-affinity') ?? headers.get('x-session-id') ?? undefined,
    parent: headers.get('x-parent-session-id') ?? undefined,
    model:
      typeof body === 'string' ? MODEL.exec(body.slice(0, MODEL_WITHIN_CHARS))?.[1] : undefined,
  }
}
