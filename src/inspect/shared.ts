import { realWorld } from '../world.ts'
import { type Inspector, createInspector } from './inspector.ts'

const { arm, now } = realWorld(() => {})

/** The one of this process. */
export const inspector: Inspector = createInspector({ arm, now, pid: process.pid })
