import type { RefreshOutcome } from '../../machines/refresh.ts'
import type { Credential } from '../provider/provider.ts'
import type { World } from '../world.ts'
import type { Sync } from './sync.ts'
import { type Vault, usableCredential } from './vault.ts'

/** A token and the version it had, so that a refusal can be told from an old token's. */
export interface VersionedCredential extends Credential {
  readonly version: number
}

export interface Credentials {
  /** A token that is not known to be bad; renews first when it has ended. */
  current(id: string, signal: AbortSignal | undefined): Promise<VersionedCredential | undefined>
  /** The provider refused this version: undefined when no newer one can be had. */
  after(
    refused: number,
    id: string,
    signal: AbortSignal | undefined,
  ): Promise<VersionedCredential | undefined>
}

export interface CredentialsParts {
  readonly vault: Vault
  readonly sync: Pick<Sync, 'loadIfChanged'>
  readonly now: () => number
  /** Asks for a renewal; concurrent callers share one. */
  readonly renew: (id: string, signal: AbortSignal | undefined) => Promise<RefreshOutcome>
  /** Whether another account could serve at once. */
  readonly hasOther: (id: string) => boolean
  readonly arm: World['arm']
}

/** A token this close to its end is renewed before it is sent, not after it was refused. */
const EXPIRY_MARGIN_MS = 5_000
/** An expired token is renewed at most so often for one request before another account is tried. */
const RENEWALS_PER_REQUEST = 2
/** A renewal that takes longer (its process may be asleep) goes on without the request. */
const PATIENCE_MS = 5_000
const LATE = new Error('the renewal takes long')

/** The tokens that requests use. */
export function createCredentials(parts: CredentialsParts): Credentials {
  const { vault, sync, now } = parts

  function usable(id: string): VersionedCredential | undefined {
    const tokens = vault.get(id)
    if (tokens === undefined) return undefined
    const credential = usableCredential(tokens, now() + EXPIRY_MARGIN_MS)
    return credential === undefined ? undefined : { ...credential, version: tokens.version }
  }

  /** Waits for a renewal, but not for long while another account could serve. */
  async function renew(id: string, signal: AbortSignal | undefined): Promise<RefreshOutcome> {
    if (!parts.hasOther(id)) return parts.renew(id, signal)
    const late = new AbortController()
    const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    const disarm = parts.arm(() => late.abort(LATE), PATIENCE_MS)
    try {
      return await parts.renew(id, either)
    } catch (error) {
      if (error !== LATE) throw error
      return { kind: 'failed', failure: 'unavailable', detail: LATE.message }
    } finally {
      disarm()
    }
  }

  return {
    async current(id, signal) {
      for (let renewals = 0; ; renewals++) {
        const credential = usable(id)
        const isFinal = renewals === RENEWALS_PER_REQUEST || !vault.has(id)
        if (credential !== undefined || isFinal) return credential
        const outcome = await renew(id, signal)
        if (outcome.kind === 'failed') return undefined
      }
    },
    async after(refused, id, signal) {
      await sync.loadIfChanged()
      const known = usable(id)
      if (known !== undefined && known.version > refused) return known
      const outcome = await renew(id, signal)
      return outcome.kind === 'renewed' ? usable(id) : undefined
    },
  }
}
