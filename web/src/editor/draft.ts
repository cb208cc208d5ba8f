import type { DashboardDefinition } from '../dashboard/definition'
import type { API, Dashboard, Mistake } from '../page/api'
import { Value } from '../page/value'

/** An operation of a JSON Patch (RFC 6902), on a dashboard's file. */
export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move'; readonly from: string; readonly path: string }

/** What a dashboard would be with the changes made so far. */
export interface Preview {
  readonly definition: DashboardDefinition
  readonly yaml: string
  /** A unified diff of the file. */
  readonly diff: string
  readonly mistakes: readonly Mistake[]
}

/** What became of a save. */
export type Saved =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly diff: string | undefined }

/** Why the server does not change a file that it had another version of. */
const WHY: Readonly<Record<number, string>> = {
  404: 'The file is gone: save what there is, then go on',
  412: 'The file has changed meanwhile',
}

/**
 * Changes of a dashboard that are not saved yet. The server applies them to the
 * file's text and says what would come out: there is no second opinion here.
 */
export class Draft {
  readonly name: string
  /** The version that the changes are made to. */
  base: Dashboard
  readonly preview: Value<Preview>
  /** What is wrong with the newest change, which is then not part of the preview. */
  readonly mistakes = new Value<readonly Mistake[]>([])
  /** The number of changes. */
  readonly count = new Value(0)
  /** Whether the file can be written, as far as is known. */
  readonly writable: Value<boolean>
  readonly #api: API
  readonly #steps: { operations: readonly Operation[]; before: Preview }[] = []
  #queue: Promise<unknown> = Promise.resolve()

  constructor(api: API, base: Dashboard, definition: DashboardDefinition) {
    this.#api = api
    this.name = base.name
    this.base = base
    this.writable = new Value(base.writable)
    this.preview = new Value<Preview>(unchanged(base, definition))
  }

  /** Asks whether the file can be written now. */
  check(): Promise<void> {
    const result = this.#queue.then(async () => {
      const answer = await this.#api.patch(this.base, [], true)
      if (answer.ok) this.writable.set(answer.writable)
    })
    this.#queue = result.catch(() => {})
    return result
  }

  /** Makes a change, one after the other. Resolves to whether it was one. */
  apply(...operations: Operation[]): Promise<boolean> {
    const result = this.#queue.then(() => this.#apply(operations))
    this.#queue = result.catch(() => {})
    return result
  }

  async #apply(operations: readonly Operation[]): Promise<boolean> {
    const before = this.preview.get()
    const all = [...this.#steps.flatMap((step) => step.operations), ...operations]
    const answer = await this.#api.patch(this.base, all, true)
    if (!answer.ok) {
      const why = WHY[answer.status]
      this.mistakes.set(why === undefined ? answer.mistakes : [{ message: why }])
      return false
    }
    this.mistakes.set([])
    this.writable.set(answer.writable)
    this.#steps.push({ operations, before })
    this.count.set(this.#steps.length)
    this.preview.set({ ...answer, mistakes: [] })
    return true
  }

  /** Makes all changes to another version of the file instead, or none of them.
   * Resolves to why not, if so. */
  rebase(to: Dashboard): Promise<string | undefined> {
    const result = this.#queue.then(() => this.#rebase(to))
    this.#queue = result.catch(() => {})
    return result
  }

  async #rebase(to: Dashboard): Promise<string | undefined> {
    let preview = unchanged(to, to.dashboard ?? this.preview.get().definition)
    const steps: { operations: readonly Operation[]; before: Preview }[] = []
    for (const { operations } of [...this.#steps]) {
      steps.push({ operations, before: preview })
      const answer = await this.#api.patch(
        to,
        steps.flatMap((step) => step.operations),
        true,
      )
      if (!answer.ok) return WHY[answer.status] ?? answer.why
      preview = { ...answer, mistakes: [] }
    }
    const kept = this.#steps.length // some may have been taken back meanwhile
    this.base = to
    this.#steps.splice(0, kept, ...steps.slice(0, kept))
    this.mistakes.set([])
    this.preview.set(steps[kept]?.before ?? preview)
    return undefined
  }

  /** Resolves when there is nothing left to be answered. */
  async settled(): Promise<void> {
    await this.#queue
  }

  /** Takes the newest change back. */
  undo(): void {
    const step = this.#steps.pop()
    if (step === undefined) return
    this.mistakes.set([])
    this.count.set(this.#steps.length)
    this.preview.set(step.before)
  }

  /** Writes the file. */
  async save(): Promise<Saved> {
    await this.#queue
    const all = this.#steps.flatMap((step) => step.operations)
    const answer = await this.#api.patch(this.base, all, false)
    if (answer.ok) return { ok: true }
    const why = WHY[answer.status] ?? answer.why
    return { ok: false, why, diff: answer.diff ?? this.preview.get().diff }
  }

  /** Writes the whole file, which is gone. */
  async recreate(): Promise<Saved> {
    await this.#queue
    const { yaml, diff } = this.preview.get()
    try {
      await this.#api.put(this.name, yaml)
      return { ok: true }
    } catch (error) {
      return { ok: false, why: (error as Error).message, diff }
    }
  }
}

function unchanged({ yaml }: Dashboard, definition: DashboardDefinition): Preview {
  return { definition, yaml, diff: '', mistakes: [] }
}
