import { homedir } from 'node:os'
import { join } from 'node:path'

/** The environment, as far as it decides where OpenCode keeps things. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where OpenCode keeps its configuration, and we our accounts. An empty variable counts as unset. */
export function configDirOf(env: Environment): string {
  if (isSet(env['OPENCODE_CONFIG_DIR'])) return env['OPENCODE_CONFIG_DIR']
  if (isSet(env['XDG_CONFIG_HOME'])) return join(env['XDG_CONFIG_HOME'], 'opencode')
  return join(homeOf(env), '.config', 'opencode')
}

/** Whether the person asked for the inspector when this process was started. */
export function wantsInspector(env: Environment): boolean {
  return env['ROTA_INSPECT'] === '1'
}

/** OpenCode's own logins. They lie in its data folder, not beside the configuration. */
export function authFileOf(env: Environment): string {
  const data = isSet(env['XDG_DATA_HOME'])
    ? env['XDG_DATA_HOME']
    : join(homeOf(env), '.local', 'share')
  return join(data, 'opencode', 'auth.json')
}

function homeOf(env: Environment): string {
  return isSet(env['HOME']) ? env['HOME'] : homedir()
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
