import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider, TransformFlags } from '../provider/provider.ts'
import type { Settings } from './schema.ts'

/** The provider's endpoints with what the configuration redirects. */
export function effectiveEndpoints({ endpoints }: Provider, settings: Settings): Endpoints {
  const redirected = settings.endpoints
  return {
    authorize: redirected.authorize ?? endpoints.authorize,
    token: redirected.token ?? endpoints.token,
    usage: redirected.usage ?? endpoints.usage,
    profile: redirected.profile ?? endpoints.profile,
    api: redirected.api ?? endpoints.api,
  }
}

/** The provider's transforms with what the configuration switches. */
export function effectiveTransforms({ transforms }: Provider, settings: Settings): TransformFlags {
  const switched = settings.request_transforms
  return {
    enableMessagesBetaQuery: switched.enableMessagesBetaQuery ?? transforms.enableMessagesBetaQuery,
    addToolPrefix: switched.addToolPrefix ?? transforms.addToolPrefix,
    stripToolPrefixInResponse:
      switched.stripToolPrefixInResponse ?? transforms.stripToolPrefixInResponse,
    rewriteOpenCodeBranding: switched.rewriteOpenCodeBranding ?? transforms.rewriteOpenCodeBranding,
    omitForeignReasoning: switched.omitForeignReasoning ?? transforms.omitForeignReasoning,
  }
}
