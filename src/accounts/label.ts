import { cleanMessage } from '../provider/message.ts'
import type { StoredAccount } from '../store/schema.ts'

/** What people call the account at this place (0 = first) of the file. */
export function labelAt({ label, email }: StoredAccount, position: number): string {
  return cleanMessage(label ?? email ?? '') || `account ${position + 1}`
}
