/**
 * Runs the step of a clean-up, and once more if it throws: an error of the moment should leave
 * nothing behind, and must not hide how the work itself ended. False: it threw twice.
 */
export function insist(step: () => void): boolean {
  return succeeds(step) || succeeds(step)
}

function succeeds(step: () => void): boolean {
  try {
    step()
    return true
  } catch {
    return false
  }
}
