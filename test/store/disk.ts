/** One call of the file system that the code under test makes. */
export interface DiskStep {
  readonly call: string
  /** What it is about; of an open file, the path it was opened with. */
  readonly path: string
  readonly args: readonly unknown[]
  /** The open file it belongs to, or that it opened. */
  readonly file: number
}

/** What a test does with the calls. Nobody listens: all calls pass through. */
export interface DiskListener {
  /** Before the call: throws what the call then fails with. */
  before?(step: DiskStep): void
  /** After the call succeeded. */
  after?(step: DiskStep): void
}

const disk: { listener: DiskListener | undefined; files: number } = {
  listener: undefined,
  files: 0,
}

/** Listens to every call while `work` runs. */
export async function listening<T>(listener: DiskListener, work: () => Promise<T>): Promise<T> {
  disk.listener = listener
  try {
    return await work()
  } finally {
    disk.listener = undefined
  }
}

/** An error as the system gives it. */
export function fault(code: string): Error {
  return Object.assign(new Error(`${code}: a fault of the disk`), { code })
}

/** `node:fs` or `node:fs/promises`, with every call shown to the listener. For `vi.mock`. */
export function shown<Module extends object>(module: Module): Module {
  return { ...module, ...callsOf(module), default: module }
}

/** The calls alone: for a program that puts them into the module. */
export function callsOf(module: object): Readonly<Record<string, unknown>> {
  const calls = Object.entries(module).flatMap(([name, call]) =>
    typeof call !== 'function' || NOT_CALLS.test(name)
      ? []
      : [[name, wrapperOf(name, call)] as const],
  )
  return Object.fromEntries(calls)
}

/** Classes, and what makes an open file of its own. */
const NOT_CALLS = /^[A-Z]|Stream|^watch|^unwatch|^promises$/
/** The system's own files: they are on no disk. */
const NOT_ON_DISK = /^\/(proc|etc|sys)\//

type Call = (...args: readonly unknown[]) => unknown

function wrapperOf(name: string, call: unknown): Call {
  return (...args) => {
    const path = typeof args[0] === 'string' ? args[0] : ''
    if (disk.listener === undefined || path === '' || NOT_ON_DISK.test(path)) {
      return apply(call, undefined, args)
    }
    disk.files += 1
    return show({ call: name, path, args, file: disk.files }, call, undefined)
  }
}

/** Calls with a callback, a promise, or neither: a failure arrives the way it does there. */
function show(step: DiskStep, call: unknown, self: unknown): unknown {
  const done = step.args.at(-1)
  try {
    disk.listener?.before?.(step)
  } catch (error) {
    // As the system does it: a close that fails has closed.
    if (step.call === 'file.close') return failedClose(call, self, error)
    if (typeof done === 'function') return queueMicrotask(() => apply(done, undefined, [error]))
    if (step.call.endsWith('Sync')) throw error
    return Promise.reject(error)
  }
  const result = apply(call, self, step.args)
  if (!(result instanceof Promise)) {
    disk.listener?.after?.(step)
    return result
  }
  return result.then((value: unknown) => {
    disk.listener?.after?.(step)
    return step.call === 'open' ? openFile(value, step) : value
  })
}

async function failedClose(call: unknown, self: unknown, error: unknown): Promise<never> {
  await apply(call, self, [])
  throw error
}

function openFile(handle: unknown, { path, file }: DiskStep): unknown {
  if (typeof handle !== 'object' || handle === null) return handle
  return new Proxy(handle, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: readonly unknown[]) => {
        if (disk.listener === undefined) return apply(member, target, args)
        return show({ call: `file.${name}`, path, args, file }, member, target)
      }
    },
  })
}

function apply(call: unknown, self: unknown, args: readonly unknown[]): unknown {
  if (typeof call !== 'function') throw new TypeError('not a function')
  return Reflect.apply(call, self, args)
}
