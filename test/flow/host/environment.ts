import { join } from 'node:path'

/** Nothing listens on the discard port: what a plugin does not redirect fails, and reaches nobody. */
const NOWHERE = 'http://127.0.0.1:9'

/** What OpenCode sees: its own folders under `root`, and nothing of the person who runs the test. */
export function environmentOf(root: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '',
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    HOME: root,
    TMPDIR: join(root, 'tmp'),
    XDG_CONFIG_HOME: join(root, 'config'),
    XDG_DATA_HOME: join(root, 'data'),
    XDG_CACHE_HOME: join(root, 'cache'),
    XDG_STATE_HOME: join(root, 'state'),
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    HTTPS_PROXY: NOWHERE,
    HTTP_PROXY: NOWHERE,
    NO_PROXY: '127.0.0.1,localhost',
  }
}
