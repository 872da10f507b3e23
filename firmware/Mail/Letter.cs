using System.Globalization;
using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Mail;

/// <summary>An e-mail to one recipient. It may contain a one-time code and is therefore never logged.</summary>
/// <param name="To">The recipient's address.</param>
/// <param name="Subject">The subject, one line.</param>
/// <param name="Text">Plain text, lines ended by \n.</param>
/// <param name="Picture">A PNG to attach; null for none.</param>
public sealed record Letter(string To, string Subject, string Text, byte[]? Picture = null)
{
    private const int EncodedLine = 76;

    /// <summary>Returns the recipient only.</summary>
    public override string ToString() => $"e-mail to {To}";

    /// <summary>
    /// Formats the e-mail for transmission (RFC 5322, RFC 2045): headers and base64 bodies in ASCII, lines ended by CR LF. No line begins
    /// with a dot.
    /// </summary>
    /// <param name="from">The sender's address.</param>
    /// <param name="date">The date of the header.</param>
    /// <param name="id">A random text of letters and digits that makes the message id and the boundary unique.</param>
    public string Format(string from, DateTimeOffset date, string id)
    {
        var text = new StringBuilder();
        void Line(string line) => text.Append(line).Append("\r\n");
        Line($"From: <{from}>");
        Line($"To: <{To}>");
        Line($"Subject: {Encoded(Subject)}");
        Line($"Date: {date.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture)} +0000");
        Line($"Message-ID: <{id}@{from[(from.LastIndexOf('@') + 1)..]}>");
        Line("MIME-Version: 1.0");
        Line("Auto-Submitted: auto-generated");
        if (Picture is null)
        {
            Body("text/plain; charset=utf-8", Encoding.UTF8.GetBytes(Text));
            return text.ToString();
        }
        Line($"Content-Type: multipart/mixed; boundary=\"{id}\"");
        Line("");
        Line($"--{id}");
        Body("text/plain; charset=utf-8", Encoding.UTF8.GetBytes(Text));
        Line($"--{id}");
        Line("Content-Disposition: attachment; filename=\"activation.png\"");
        Body("image/png", Picture);
        Line($"--{id}--");
        return text.ToString();

        void Body(string type, byte[] content)
        {
            Line($"Content-Type: {type}");
            Line("Content-Transfer-Encoding: base64");
            Line("");
            foreach (var line in Convert.ToBase64String(content).Chunk(EncodedLine))
            {
                Line(new string(line));
            }
        }
    }

    /// <summary>Encodes a header value: printable ASCII unchanged, anything else as one RFC 2047 encoded word.</summary>
    private static string Encoded(string header) =>
        header.All(c => c is >= ' ' and <= '~')
            ? header
            : $"=?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(ControlCharacters.Remove(header)))}?=";
}
