import type { ReactNode } from "react";

/** A decorative icon, drawn in the colour of the text beside it. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const HomeIcon = () => (
  <Icon>
    <path d="M4 11.2 12 4l8 7.2V20h-5.4v-5.6H9.4V20H4z" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon>
    <circle cx="10.8" cy="10.8" r="6.3" />
    <path d="m15.6 15.6 4.6 4.6" />
  </Icon>
);
export const BellIcon = () => (
  <Icon>
    <path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.6 2H4.4zM10 21.2h4" />
  </Icon>
);
export const MessageIcon = () => (
  <Icon>
    <path d="M4 5.5h16v12H9.8L6 21v-3.5H4z" />
  </Icon>
);
export const UserIcon = () => (
  <Icon>
    <circle cx="12" cy="8.4" r="4" />
    <path d="M4.4 20.2c.8-4 3.8-6 7.6-6s6.8 2 7.6 6" />
  </Icon>
);
export const SignInIcon = () => (
  <Icon>
    <path d="M13.5 4.5H19v15h-5.5M4.5 12H15m-3.8-4 4 4-4 4" />
  </Icon>
);
export const SignOutIcon = () => (
  <Icon>
    <path d="M10.5 4.5H5v15h5.5M9 12h10.5m-3.8-4 4 4-4 4" />
  </Icon>
);
export const ReplyIcon = () => (
  <Icon>
    <path d="M12 4.6c4.8 0 8.4 3 8.4 7.1s-3.6 7.1-8.4 7.1c-1 0-2-.1-2.9-.4L4.6 20l1.2-3.6c-1.4-1.2-2.2-2.8-2.2-4.7 0-4.1 3.6-7.1 8.4-7.100z" />
  </Icon>
);
export const RepostIcon = () => (
  <Icon>
    <path d="M4.2 9.4 7.4 6.2l3.2 3.2M7.4 6.600v8.600a2 2 0 0 0 2 2h3.4m7-2.6-3.2 3.2-3.2-3.2m3.2 2.8V8.8a2 2 0 0 0-2-2h-3.4" />
  </Icon>
);
export const LikeIcon = () => (
  <Icon>
    <path d="M12 19.800C7 16.2 4 13.3 4 9.700a4.3 4.3 0 0 1 8-2.2 4.3 4.3 0 0 1 8 2.200c0 3.6-3 6.5-8 10.100z" />
  </Icon>
);
export const ShareIcon = () => (
  <Icon>
    <path d="M12 15V4.4m-3.8 3.8L12 4.4l3.8 3.8M5 13v6.6h14V13" />
  </Icon>
);
export const ClockIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="8" />
    <path d="M12 7.4V12l3 2" />
  </Icon>
);
export const BackIcon = () => (
  <Icon>
    <path d="M19.5 12H5m6-6.2L4.8 12l6.2 6.2" />
  </Icon>
);
export const PenIcon = () => (
  <Icon>
    <path d="m4.6 19.4.9-4.2L16.4 4.300a2.2 2.2 0 0 1 3.3 3.300L8.8 18.500z" />
  </Icon>
);
