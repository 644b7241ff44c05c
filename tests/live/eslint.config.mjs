// The page's scripts are one script, so what one file declares the others use: the type check knows
// what is defined and what is used. This looks for what it does not see.

const rules = [
  "array-callback-return", "block-scoped-var", "constructor-super", "default-case-last",
  "eqeqeq", "for-direction", "getter-return", "no-alert", "no-async-promise-executor",
  "no-caller", "no-class-assign", "no-compare-neg-zero", "no-cond-assign", "no-const-assign",
  "no-constant-condition", "no-constructor-return", "no-debugger", "no-dupe-args",
  "no-dupe-class-members", "no-dupe-else-if", "no-dupe-keys", "no-duplicate-case", "no-empty",
  "no-eval", "no-ex-assign", "no-extend-native", "no-fallthrough", "no-func-assign",
  "no-global-assign", "no-implied-eval", "no-inner-declarations", "no-invalid-regexp",
  "no-irregular-whitespace", "no-label-var", "no-labels", "no-loss-of-precision", "no-new-func",
  "no-new-wrappers", "no-obj-calls", "no-octal",
  "no-prototype-builtins", "no-redeclare", "no-script-url", "no-self-assign",
  "no-shadow-restricted-names", "no-sparse-arrays", "no-template-curly-in-string", "no-this-before-super",
  "no-undef-init", "no-unreachable", "no-unsafe-finally",
  "no-unsafe-negation", "no-unsafe-optional-chaining", "no-useless-assignment", "no-useless-catch",
  "no-useless-escape", "no-useless-return", "no-var", "no-with", "radix",
  "require-yield", "use-isnan", "valid-typeof",
];
export default [
  {
    rules: {
      ...Object.fromEntries(rules.map((rule) => [rule, "error"])),
      curly: ["error", "multi-line"],
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
];
