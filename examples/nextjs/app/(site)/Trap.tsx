/** A field for those who fill in everything; people neither see it nor get to it by Tab. */
export function Trap() {
  return (
    <div className="trap" aria-hidden="true">
      <label>
        Website
        <input name="website" tabIndex={-1} autoComplete="off" />
      </label>
    </div>
  )
}
