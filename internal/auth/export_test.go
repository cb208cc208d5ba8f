package auth

// Expand puts the user's values into a condition.
var Expand = expand
