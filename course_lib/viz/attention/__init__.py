"""The attention viewer: `view` is the widget, `coding` its wire format, `still` its picture without a script,
`front/` its page."""
