// What few see: loaded as one, when the first of it is needed.
export { default as Share } from './Share'
export { default as SignIn } from './SignIn'
export { default as Tokens } from './Tokens'
