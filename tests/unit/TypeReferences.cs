using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Appliance.Tests;

/// <summary>One reference between two folders of a project.</summary>
/// <param name="From">The folder that references; empty for the root namespace.</param>
/// <param name="To">The folder that is referenced; empty for the root namespace.</param>
/// <param name="Type">The type that references.</param>
/// <param name="Target">The type that is referenced.</param>
internal sealed record FolderReference(string From, string To, string Type, string Target);

/// <summary>The resolved type references of a compiled project: signatures, bodies, base types, attributes and generic arguments.</summary>
internal static class TypeReferences
{
    /// <summary>
    /// Returns all references between types of a project, by folder. A folder is the first part of the namespace after the project's name.
    /// </summary>
    public static IReadOnlyList<FolderReference> Between(string assembly, string project)
    {
        using var module = ModuleDefinition.ReadModule(assembly);
        var found = new HashSet<FolderReference>();
        foreach (var type in module.GetTypes().Where(type => FolderOf(type, project) is not null))
        {
            foreach (var target in Of(type).SelectMany(Parts).Where(target => target.Scope == module))
            {
                if (FolderOf(target, project) is { } to)
                {
                    found.Add(new FolderReference(FolderOf(type, project)!, to, Outermost(type).FullName, Outermost(target).FullName));
                }
            }
        }
        return [.. found];
    }

    private static string? FolderOf(TypeReference type, string project)
    {
        var space = Outermost(type).Namespace;
        return space == project ? ""
            : space.StartsWith(project + ".", StringComparison.Ordinal) ? space[(project.Length + 1)..].Split('.')[0]
            : null;
    }

    private static TypeReference Outermost(TypeReference type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static IEnumerable<TypeReference?> Of(TypeDefinition type) =>
        [
            type.BaseType,
            .. type.Interfaces.Select(one => one.InterfaceType),
            .. type.Fields.Select(field => field.FieldType),
            .. type.CustomAttributes.Select(attribute => attribute.AttributeType),
            .. type.Methods.SelectMany(Of),
        ];

    private static IEnumerable<TypeReference?> Of(MethodDefinition method) =>
        [
            method.ReturnType,
            .. method.Parameters.Select(parameter => parameter.ParameterType),
            .. method.CustomAttributes.Select(attribute => attribute.AttributeType),
            .. method.HasBody ? method.Body.Variables.Select(variable => variable.VariableType) : [],
            .. method.HasBody ? method.Body.ExceptionHandlers.Select(handler => handler.CatchType) : [],
            .. method.HasBody ? method.Body.Instructions.SelectMany(Of) : [],
        ];

    private static IEnumerable<TypeReference?> Of(Instruction instruction) =>
        instruction.Operand switch
        {
            TypeReference type => [type],
            MethodReference method =>
            [
                method.DeclaringType,
                method.ReturnType,
                .. method.Parameters.Select(parameter => parameter.ParameterType),
                .. method is GenericInstanceMethod generic ? generic.GenericArguments : [],
            ],
            FieldReference field => [field.DeclaringType, field.FieldType],
            _ => [],
        };

    /// <summary>A type, its element type and its generic arguments.</summary>
    private static IEnumerable<TypeReference> Parts(TypeReference? type) =>
        type switch
        {
            null or GenericParameter => [],
            GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
            TypeSpecification wrapped => Parts(wrapped.ElementType),
            _ => [type],
        };
}
