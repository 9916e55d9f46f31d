// Write a CDK app with the same resources, as L1 classes (CfnVPC, …) with properties in the spelling
// of CDK: node generate.js STACKS.json APP.js
"use strict";
const fs = require("fs");
const path = require("path");
const here = path.dirname(path.resolve(process.argv[3]));
const load = (name) => require(require.resolve(name, { paths: [here] }));
const cdk = load("aws-cdk-lib");
const library = path.dirname(require.resolve("aws-cdk-lib/package.json", { paths: [here] }));
const classes = require(path.join(library, "cloudformation-include/cfn-types-2-classes.json"));

const OPTIONS = {
  DeletionPolicy: "deletionPolicy",
  UpdateReplacePolicy: "updateReplacePolicy",
};

// An intrinsic function, which the L1 class does not interpret, and which is written unchanged.
class Intrinsic extends cdk.Intrinsic {
  constructor(written) {
    super("opaque");
    this.written = written;
  }
}

function isIntrinsic(value) {
  const names = Object.keys(value);
  return names.length === 1 && (names[0] === "Ref" || names[0].startsWith("Fn::"));
}

function opaque(value) {
  if (Array.isArray(value)) return value.map(opaque);
  if (value === null || typeof value !== "object") return value;
  if (isIntrinsic(value)) return new Intrinsic(JSON.stringify(value));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, opaque(item)]));
}

// Return a value as JavaScript. L1 classes need strings, lists and numbers, so tokens are converted.
function source(value) {
  const token = cdk.Tokenization.reverse(value, { failConcat: false });
  if (token instanceof Intrinsic) {
    const written = `fn(${token.written})`;
    if (typeof value === "string") return `${written}.toString()`;
    if (typeof value === "number") return `cdk.Token.asNumber(${written})`;
    return Array.isArray(value) ? `cdk.Token.asList(${written})` : written;
  }
  if (Array.isArray(value)) return `[${value.map(source).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{ ${pairs.map(([key, item]) => `${JSON.stringify(key)}: ${source(item)}`).join(", ")} }`;
}

// Let the L1 class translate the properties, then write its own properties.
function resource(scratch, title, { Type, Properties, DependsOn, ...attributes }) {
  const [module, name] = classes[Type].split(/\.(?=\w+$)/);
  const parser = { parseValue: opaque, handleAttributes() {} };
  const construct = load(module)[name]._fromCloudFormation(scratch, title, { Properties }, { parser });
  const lines = [
    `const ${title} = new (require(${JSON.stringify(module)}).${name})` +
      `(stack, "${title}", ${source(construct._cfnProperties)});`,
  ];
  for (const [key, value] of Object.entries(construct.rawOverrides.Properties ?? {})) {
    lines.push(`${title}.addPropertyOverride("${key}", ${source(value)});`);
  }
  for (const [key, value] of Object.entries(attributes)) {
    lines.push(
      key in OPTIONS
        ? `${title}.cfnOptions.${OPTIONS[key]} = ${JSON.stringify(value)};`
        : `${title}.addOverride("${key}", ${source(opaque(value))});`,
    );
  }
  return lines;
}

function dependencies([title, { DependsOn = [] }]) {
  return [DependsOn].flat().map((other) => `${title}.addResourceDependency(${other});`);
}

function parameter([name, { Type, Default, Description }]) {
  const props = { type: Type, default: Default, description: Description };
  return `new cdk.CfnParameter(stack, "${name}", ${source(props)});`;
}

function output([name, { Value, Description, Export }]) {
  const props = { value: opaque(Value), description: Description, exportName: Export?.Name };
  const construct = `new cdk.CfnOutput(stack, "${name}Output", ${source(props)})`;
  return `${construct}.overrideLogicalId("${name}");`;
}

function stack({ name, region, account, tags, template }) {
  const scratch = new cdk.Stack(new cdk.App(), name);
  const props = { env: { account, region }, tags, description: template.Description };
  const resources = Object.entries(template.Resources);
  return [
    `function ${name.replaceAll("-", "_")}(app) {`,
    `const stack = new cdk.Stack(app, "${name}", ${source(props)});`,
    ...Object.entries(template.Parameters ?? {}).map(parameter),
    ...resources.flatMap(([title, definition]) => resource(scratch, title, definition)),
    ...resources.flatMap(dependencies),
    ...Object.entries(template.Outputs ?? {}).map(output),
    "}",
  ];
}

const stacks = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const app = [
  '"use strict";',
  'const cdk = require("aws-cdk-lib");',
  "const fn = (value) => new cdk.Intrinsic(value);",
  ...stacks.flatMap(stack),
  "const app = new cdk.App();",
  ...stacks.map(({ name }) => `${name.replaceAll("-", "_")}(app);`),
  "app.synth();",
];
fs.writeFileSync(process.argv[3], app.join("\n") + "\n");
