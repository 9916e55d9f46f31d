import { Field, type FieldText } from "../ui/field.tsx";

export function EmailField(text: FieldText) {
  return (
    <Field
      label="Email"
      type="email"
      name="email"
      autoComplete="username"
      required
      maxLength={254}
      {...text}
    />
  );
}

export function CodeField({ value, onValue }: FieldText) {
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
      onValue={(code) => onValue(code.replace(/\s/g, ""))}
    />
  );
}

export function PasswordField(text: FieldText) {
  return (
    <Field
      label="Password"
      type="password"
      name="password"
      autoComplete="current-password"
      required
      {...text}
    />
  );
}

export function NewPasswordField(text: FieldText) {
  return (
    <Field
      label="New password"
      type="password"
      name="new-password"
      autoComplete="new-password"
      required
      minLength={12}
      maxLength={256}
      hint="At least 12 characters, with upper and lower case, a digit and a symbol"
      {...text}
    />
  );
}
