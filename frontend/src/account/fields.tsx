import { Field } from "../ui/field.tsx";

type Properties = Readonly<{ value: string; onValue: (value: string) => void }>;

export function EmailField({ value, onValue }: Properties) {
  return (
    <Field
      label="Email"
      type="email"
      name="email"
      autoComplete="username"
      required
      maxLength={254}
      value={value}
      onChange={(event) => onValue(event.target.value)}
    />
  );
}

export function CodeField({ value, onValue }: Properties) {
  return (
    <Field
      label="Code"
      name="code"
      inputMode="numeric"
      autoComplete="one-time-code"
      required
      pattern="[0-9]{6}"
      title="six digits"
      maxLength={6}
      value={value}
      onChange={(event) => onValue(event.target.value.replace(/\s/g, ""))}
    />
  );
}

export function PasswordField({ value, onValue }: Properties) {
  return (
    <Field
      label="Password"
      type="password"
      name="password"
      autoComplete="current-password"
      required
      value={value}
      onChange={(event) => onValue(event.target.value)}
    />
  );
}

const PASSWORD_RULE = "At least 12 characters, with upper and lower case, a digit and a symbol";

export function NewPasswordField({ value, onValue }: Properties) {
  return (
    <Field
      label="New password"
      type="password"
      name="new-password"
      autoComplete="new-password"
      required
      minLength={12}
      maxLength={256}
      hint={PASSWORD_RULE}
      value={value}
      onChange={(event) => onValue(event.target.value)}
    />
  );
}
