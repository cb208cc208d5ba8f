// Package dashboard is dashboards as code: a YAML file each, read strictly,
// watched, and edited without losing what a person wrote around the edit.
//
//   - [Parse] turns a file into a [Dashboard] or says everything that is wrong
//     with it: file, line, column, and what was probably meant.
//   - [Schema] is the format as JSON Schema, for editors.
//   - [Patch] applies a JSON Patch to a file's text. What the edit doesn't
//     concern stays byte for byte: comments, order, quotes, blank lines.
//   - [Store] is a folder of them together with those built in: it notices
//     changes in well under a second and keeps the last good version beside what
//     is wrong with the present one.
//
// docs/dashboards.md has the format.
package dashboard
