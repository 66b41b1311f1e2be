import commonjs from '@rollup/plugin-commonjs'
import resolve from '@rollup/plugin-node-resolve'
import { dts } from 'rollup-plugin-dts'
import esbuild from 'rollup-plugin-esbuild'
import { page } from './rollup.page.mjs'

/**
 * proper-lockfile brings two modules that change the host's process: signal-exit adds signal
 * listeners (one for SIGTERM keeps `opencode run` alive), graceful-fs patches `fs`. We release
 * locks ourselves at exit, so neither is needed.
 */
const withoutProcessPatches = {
  name: 'without-process-patches',
  resolveId(source) {
    if (source === 'signal-exit') return '\0signal-exit'
    if (source === 'graceful-fs') return { id: 'node:fs', external: true }
    return null
  },
  load(id) {
    return id === '\0signal-exit' ? 'export default () => () => {}' : null
  },
}

const external = [/^node:/, /^@opencode-ai\//]

/** Each entry is one file that needs nothing beside it. */
const bundle = (name) => ({
  input: `src/${name}.ts`,
  external,
  plugins: [
    withoutProcessPatches,
    // Without the "development" condition: the production build of xstate is the one bundled.
    resolve({
      preferBuiltins: true,
      exportConditions: ['node', 'module', 'import', 'default'],
      extensions: ['.mjs', '.js', '.json', '.ts'],
    }),
    commonjs(),
    esbuild({ target: 'node20', minify: true }),
  ],
  output: { file: `dist/${name}.js`, format: 'es', inlineDynamicImports: true },
})

const types = (name) => ({
  input: `src/${name}.ts`,
  external,
  plugins: [dts()],
  output: { file: `dist/${name}.d.ts`, format: 'es' },
})

export default [bundle('index'), bundle('core'), types('index'), types('core'), page]
