import { ApiError, NetworkError } from "./api/problem.ts";

const POST_TOO_LONG = "This text is too long: a post has at most 280 characters.";
const TEXT_TOO_LONG = "This text is too long: it has at most 1,024 characters.";
const FORBIDDEN_CHARACTERS = "This text has characters that are not allowed.";
export const HANDLE_INVALID = "A handle has only letters, digits and underscores.";
const OUTDATED_PAGE = "This list has changed. Reload the page.";
const INTERNAL = "The site sent a request that the server does not accept. Reload the page.";

/** A text for each code of the API; tests/frontend compares the codes with the backend's. */
export const API_TEXTS: Readonly<Record<string, string>> = {
  activity_not_found: "This post does not exist, or it has expired.",
  bio_exceed_max_chars: "The bio is too long: it has at most 1,024 characters.",
  bio_invalid: "The bio has characters that are not allowed.",
  body_invalid: INTERNAL,
  cognito_user_id_blank: "Sign in to do this.",
  cursor_exceed_max_chars: OUTDATED_PAGE,
  cursor_invalid: OUTDATED_PAGE,
  display_name_blank: "Enter a name.",
  display_name_exceed_max_chars: "The name is too long: it has at most 100 characters.",
  display_name_invalid: "The name has characters that are not allowed.",
  idempotency_key_invalid: INTERNAL,
  idempotency_key_reused: "This text was changed while it was sent. Send it again.",
  limit_invalid: INTERNAL,
  message_blank: "Write something first.",
  message_exceed_max_chars: POST_TOO_LONG,
  message_exceed_max_chars_1024: TEXT_TOO_LONG,
  message_group_not_found: "This conversation does not exist.",
  message_group_uuid_and_handle: INTERNAL,
  message_group_uuid_invalid: "This conversation does not exist.",
  message_invalid: FORBIDDEN_CHARACTERS,
  profile_missing: "Your profile is not ready yet. Try again in a minute.",
  profile_version_invalid: INTERNAL,
  profile_version_outdated: "Your profile was changed in another window. Check it and save again.",
  search_term_blank: "Enter a word to search for.",
  term_exceed_max_chars: "The search is too long: it has at most 100 characters.",
  term_invalid: "The search has characters that are not allowed.",
  token_invalid: "Your session has ended. Sign in again.",
  ttl_blank: "Choose how long the post is shown.",
  ttl_invalid: "Choose how long the post is shown.",
  user_not_found: "There is no user with this handle.",
  user_reciever_handle_blank: "Enter the handle of a user.",
  user_reciever_handle_invalid: HANDLE_INVALID,
  user_reciever_is_sender: "You cannot send messages to yourself.",
  user_reciever_not_found: "There is no user with this handle.",
};

/** A text for each code of the API for uploads. */
export const UPLOAD_TEXTS: Readonly<Record<string, string>> = {
  body_invalid: INTERNAL,
  extension_unsupported: "Choose a JPEG, PNG or WebP picture.",
  size_exceeds_limit: "This picture is too large.",
  size_invalid: "This picture is empty.",
};

/** A text for each exception of Cognito that a user can cause. */
export const COGNITO_TEXTS: Readonly<Record<string, string>> = {
  AliasExistsException: "There is already an account with this email address.",
  CodeDeliveryFailureException: "The code could not be sent. Check the email address.",
  CodeMismatchException: "This code is not right. Check it, or request a new one.",
  EmptyConfirmSignUpCode: "Enter the code.",
  EmptySignInPassword: "Enter your password.",
  ExpiredCodeException: "This code has expired. Request a new one.",
  InvalidParameterException: "Some of these values are not accepted. Check them.",
  InvalidPasswordException:
    "The password needs 12 characters, with upper and lower case, a digit and a symbol.",
  LimitExceededException: "Too many attempts. Wait a while, then try again.",
  NotAuthorizedException: "The email address or the password is not right.",
  PasswordHistoryPolicyViolationException: "Choose a password that you have not used before.",
  PasswordResetRequiredException: "Choose a new password first.",
  TooManyFailedAttemptsException: "Too many attempts. Wait a while, then try again.",
  TooManyRequestsException: "There are too many requests now. Try again in a minute.",
  UserLambdaValidationException:
    "Your address is confirmed, but your profile could not be created. Please write to us.",
  UserNotConfirmedException: "Confirm your email address first.",
  UserNotFoundException: "The email address or the password is not right.",
  UsernameExistsException: "There is already an account with this email address.",
};

const OFFLINE = "There is no connection. Check your network.";
const BUSY = "Cruddur is not available right now. Please try again in a moment.";
const UNKNOWN = "Something went wrong. Please try again.";

/** Return one text per distinct problem of `error`, for the user. */
export function textsOf(
  error: unknown,
  texts: Readonly<Record<string, string>> = API_TEXTS,
): string[] {
  if (error instanceof NetworkError || isNetworkErrorOfAmplify(error)) {
    return [OFFLINE];
  }
  if (error instanceof ApiError) {
    const known = error.errors.flatMap(({ code }) => texts[code] ?? []);
    return known.length > 0 ? [...new Set(known)] : [textOfStatus(error.status)];
  }
  const name = error instanceof Error ? error.name : "";
  return [COGNITO_TEXTS[name] ?? UNKNOWN];
}

export function textOf(error: unknown, texts?: Readonly<Record<string, string>>): string {
  return textsOf(error, texts).join(" ");
}

function textOfStatus(status: number): string {
  switch (status) {
    case 401:
      return "Your session has ended. Sign in again.";
    case 404:
      return "This page does not exist.";
    case 413:
      return "This is too large to send.";
    case 429:
      return "There are too many requests now. Try again in a minute.";
    default:
      return status >= 500 ? BUSY : UNKNOWN;
  }
}

function isNetworkErrorOfAmplify(error: unknown): boolean {
  return error instanceof Error && error.name === "NetworkError";
}
