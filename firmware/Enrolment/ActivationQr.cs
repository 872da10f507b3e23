using System.Text;
using QRCoder;

namespace Appliance.Firmware.Enrolment;

/// <summary>An activation code as a QR code. It contains the 16 characters and nothing else (*assumed*).</summary>
public static class ActivationQr
{
    private const int PixelsPerModule = 6;

    /// <summary>Encodes the code as a PNG image.</summary>
    public static byte[] Png(string code)
    {
        using var data = Data(code);
        using var picture = new PngByteQRCode(data);
        return picture.GetGraphic(PixelsPerModule);
    }

    /// <summary>
    /// Renders the code for a terminal, two rows of modules a line, with lines ended by \n. The light modules are drawn, because most
    /// terminals are dark.
    /// </summary>
    public static string Text(string code)
    {
        using var data = Data(code);
        var rows = data.ModuleMatrix;
        var text = new StringBuilder();
        for (var row = 0; row < rows.Count; row += 2)
        {
            for (var column = 0; column < rows[row].Length; column++)
            {
                var (upper, lower) = (!rows[row][column], row + 1 < rows.Count && !rows[row + 1][column]);
                text.Append(
                    (upper, lower) switch
                    {
                        (true, true) => '█',
                        (true, false) => '▀',
                        (false, true) => '▄',
                        _ => ' ',
                    }
                );
            }
            text.Append('\n');
        }
        return text.ToString();
    }

    private static QRCodeData Data(string code) => QRCodeGenerator.GenerateQrCode(code, QRCodeGenerator.ECCLevel.M);
}
